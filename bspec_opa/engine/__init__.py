"""OPA, embedded as WebAssembly or asked over REST."""
