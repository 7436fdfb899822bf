"""Numbers that follow from a counter, as the tests make them too."""

MASK = (1 << 64) - 1


def splitmix64(c):
    """Steele, Lea & Flood, OOPSLA 2014: the mix of the counter c."""
    c = (c + 0x9E3779B97F4A7C15) & MASK
    c = ((c ^ (c >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    c = ((c ^ (c >> 27)) * 0x94D049BB133111EB) & MASK
    return c ^ (c >> 31)


def uniform(c):
    """In [0, 1), 53 bits."""
    return (splitmix64(c) >> 11) * 2.0 ** -53
