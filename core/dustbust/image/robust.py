"""Constants of robust statistics.

References
----------
P. J. Huber, "Robust Statistics", Wiley 1981, doi:10.1002/0471725250.
"""

# Tukey's biweight reaches zero at this many standard deviations. It loses 5 % of efficiency on
# normally distributed residuals.
TUKEY = 4.685

# The median of absolute values (MAD) of a normal distribution, in standard deviations, and the
# inverse as it is usually rounded.
MEDIAN_OF_ABSOLUTE = 0.6745
DEVIATIONS_PER_MAD = 1.4826
