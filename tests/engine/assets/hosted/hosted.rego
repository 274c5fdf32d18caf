# Needs a function that WebAssembly doesn't have.
package bspec.gate

decision := {"text": sprintf("%v", [input.nonce])}
