"""The error types of Orgad et al. (section 5): how a model errs when it is asked often, and whether states tell it."""
