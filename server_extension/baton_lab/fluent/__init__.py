"""What %baton asks of MLflow's fluent API, in the kernel; loaded when it is first used."""
