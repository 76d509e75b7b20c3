"""File formats: MATLAB, HDF5, .npz and .npy."""
