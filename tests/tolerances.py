"""How far a kernel may be from the reference, and why."""

# Largest difference from the float64 reference, relative to the largest magnitude in the compared array (at least 1).
# float32 has 6e-8 of relative rounding a step. An output is a chain of up to 200 products (rounding grows like the
# square root of the number of terms), through activations of 6 ULP, fed back for up to 30 steps of a contracting
# recurrence: 4e-6 is 64 roundings; observed 1.8e-6. Weight gradients sum over up to 960 steps and rows more: 1e-5.
# float64 has 1.1e-16: the same counts of roundings, 7e-15 and 2e-14, and the reference rounds too.
TOLERANCE = {
    ("float32", "value"): 4e-6,
    ("float32", "gradient"): 1e-5,
    ("float64", "value"): 1.5e-14,
    ("float64", "gradient"): 4e-14,
}
