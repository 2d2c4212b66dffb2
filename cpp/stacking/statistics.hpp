// Stacks of pictures of one size, pixel by pixel: one picture, or one statistic, from many.
#pragma once

#include <string>
#include <vector>

#include "base/image.hpp"

namespace dustbust {

// A mode gives a picture of the kind of those of the stack, or numbers about them (float, in their
// unit).
struct StackingMode {
    std::string name;
    bool is_picture;
};

// All modes, in the order in which they are shown.
const std::vector<StackingMode>& stacking_modes();

// The place of a mode in `stacking_modes`, or -1.
Index find_stacking_mode(const std::string& name);

// Combine pictures of one shape, 1 to 4 channels. `Out` is T for the modes that give a picture, and
// float for all modes. With `alpha`, the last channel of each picture is alpha: where it is 0 the
// picture has no data and does not count; the alpha of the result is the largest of the alphas, and
// where none has data all channels are 0. Whole numbers are rounded to the nearest one, halves to
// the even one; an even count's median is the mean of the middle two.
template <class T, class Out>
void combine(const std::vector<Image<const T>>& stack, Index mode, bool alpha, Image<Out> out,
             int threads);

}  // namespace dustbust
