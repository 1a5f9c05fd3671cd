// Package compose brings the services of a compose file up beside whatever else runs
// on an Engine, so that they can be watched or proved, and takes them away again.
//
//	p, err := compose.Load(ctx, compose.Options{Files: []string{"compose.yaml"}, Environ: os.Environ()})
//	up, err := p.Plan(ctx, engine, ledger, nil, compose.Hooks{}) // finds and builds the images
//	err = up.Start(ctx)
//	// … up.Services[i].Container …
//	err = engine.Clear(ctx) // what is in the Engine
//	err = up.Remove()       // what is on this machine
//
// What runs is the user's own, his data is too. So nothing is shared with it: the
// containers, networks and volumes have names of their own and no labels that a proxy
// or an updater would act on; ports are published on free ports of the loopback; a
// named volume is a fresh, empty one; a folder or file of the machine is copied, or
// seen read only. A volume or network that the file calls external is somebody
// else's: such a volume is refused, unless the user says why it may be used, and such
// a network is replaced by a fresh one.
//
// What is not as the file says for this reason, or because this package does not know
// it, is told (Service.Otherwise): whoever draws conclusions must know.
package compose
