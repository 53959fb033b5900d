// Empty: a target needs a file so that the precompiled header can be built and shared.
