// Carries the precompiled headers of all tests; has nothing of its own.
