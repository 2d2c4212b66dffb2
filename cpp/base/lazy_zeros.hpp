// Memory of the size of a picture, of which only the part near dust is used.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace dustbust {

// An array of zeros. The system gives a page of it only when it is written to, so untouched
// pages cost nothing.
template <class T>
class LazyZeros {
public:
    explicit LazyZeros(std::ptrdiff_t count)
        : data_(static_cast<T*>(std::calloc(count > 0 ? count : 1, sizeof(T)))) {
        if (!data_) throw std::bad_alloc();
    }
    T& operator[](std::ptrdiff_t at) { return data_.get()[at]; }
    const T& operator[](std::ptrdiff_t at) const { return data_.get()[at]; }

private:
    struct Free {
        void operator()(T* memory) const { std::free(memory); }
    };
    std::unique_ptr<T, Free> data_;
};

}  // namespace dustbust
