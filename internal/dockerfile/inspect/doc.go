// Package inspect answers what several readers ask of a parsed Dockerfile: which
// files a COPY moves and to where, which package manager a command runs and what it
// installs, which user a stage runs as, what is started, which base a stage stands on,
// which comments are meant for a linter.
//
//	f, err := dockerfile.Parse(name, b)
//	in := inspect.New(f, inspect.Options{Base: known, Context: folder})
//	in.EachCommand(func(i int, c *dockerfile.Command) {
//		if m, ok := inspect.ParsePackageCommand(c, "apt-get"); ok && m.Is("install") {
//			fmt.Println(m.Operands)
//		}
//	})
//
// It stands between the parse and the rules: it finds nothing wrong, it says what
// there is. Where a value cannot be known, functions say so with a second result.
package inspect
