// Hot loops of integer or independent lane arithmetic may be compiled once more for AVX2; the result is the same bytes.
#pragma once

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__linux__)
#define DUSTBUST_ALSO_AVX2 __attribute__((target_clones("avx2", "default")))
#else
#define DUSTBUST_ALSO_AVX2
#endif
