// Package report prints what a run found. The engines' result is one value,
// [check.Result]; a format only prints it:
//
//	err := report.Write(os.Stdout, "sarif", res, report.Options{Tool: "1.0"})
//
// JSON is the contract that scripts read ([Document]); text is for people, at
// the width and with the colours of their terminal; the rest are for the
// places that findings go to.
package report
