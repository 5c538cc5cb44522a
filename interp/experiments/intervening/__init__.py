"""Which cells the model uses: states of other samples, directions and noise put in, and what the model then says."""
