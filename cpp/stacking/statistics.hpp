// Stacks of pictures of one size, pixel by pixel: one picture, or one statistic, from many.
#pragma once

#include <vector>

#include "base/image.hpp"

namespace dustbust {

enum class Mode { maximum, minimum, mean, median, range, standard_deviation, variance, sum, entropy, skewness, kurtosis };

// The modes that give a picture: maximum, minimum, mean and median. The others give a `statistic`.
// With `alpha`, the last channel of each picture is alpha: where it is 0 the picture has no data and does not count;
// the alpha of the result is the largest of the alphas, and where none has data all channels are 0.
// Means are rounded to the nearest whole number, halves to the even one; an even count's median is the mean of the middle two.
template <class T>
void combine(const std::vector<Image<const T>>& stack, Mode mode, bool alpha, Image<T> out, int threads);

// The modes that give numbers about the stack, in the unit of the pictures. Also the mean and the median, without rounding.
// A standard deviation of one value is 0, and so are skewness and kurtosis of values that do not differ.
template <class T>
void statistic(const std::vector<Image<const T>>& stack, Mode mode, bool alpha, Image<float> out, int threads);

}  // namespace dustbust
