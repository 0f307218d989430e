// Command openclaw runs AI agents in a cage that the kernel enforces.
package main

func main() {}
