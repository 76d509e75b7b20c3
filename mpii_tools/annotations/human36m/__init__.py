"""Human3.6M and MPI-INF-3DHP in the formats in which people have them, and the protocols that choose from them."""
