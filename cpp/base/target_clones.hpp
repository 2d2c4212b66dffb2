// A function compiled twice, for wide vector registers and for any processor; the right one is
// taken at run time. Without contraction of multiply and add (setup.py) both give the same bytes.
#pragma once

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__)
#define TARGET_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define TARGET_CLONES
#endif
