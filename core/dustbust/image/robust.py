"""Constants of robust statistics."""

# Tukey's biweight with this many standard deviations loses 5 % of efficiency on normal residuals
# (P. Huber, "Robust Statistics"); a median of absolute values is 0.6745 standard deviations.
TUKEY, MEDIAN_OF_ABSOLUTE = 4.685, 0.6745
