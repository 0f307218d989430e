// Package sandbox runs a command in a cage that the kernel enforces.
//
// It owns the cage of one run: the namespaces, the mounts, the gate that
// serves refused paths, the system-call filter, the network of the cage and
// the self-test. It promises that nothing but what the policy allows is
// reachable by any process of the run, that every refusal that a mechanism
// sees reaches Spec.Denied, and that no process outlives the run or its
// supervisor. It never weakens a policy because a mechanism is missing: it
// refuses to start and says which one. It knows nothing of the gateway.
//
//	cage, err := sandbox.New(ctx)           // probes the machine once
//	process, err := cage.Start(ctx, spec)   // builds the cage, self-tests, starts
//	report := process.Report()              // what is enforced, as proven inside
//	change, err := process.Update(policy)   // a policy that changed meanwhile
//	status, err := process.Wait()
package sandbox
