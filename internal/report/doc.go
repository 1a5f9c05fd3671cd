// Package report prints what a run found. The engines' result is one value,
// [check.Result]; a format only prints it:
//
//	err := report.Write(os.Stdout, "sarif", res, report.Options{Tool: "1.0"})
//
// JSON is the contract that scripts read ([Document]); text is for people, at
// the width and with the colours of their terminal; the rest are for the
// places that findings go to.
//
// Everything in a result may come from a hostile image. What people look at
// (text, Markdown, HTML) is cleaned first: one line stays one line, nothing
// that a terminal or a browser would act on gets through but this package's
// own colours, and foreign text opens no cell, tag, link or mention. What
// programs read keeps foreign text as it is, in valid documents.
//
// Could not be told is never clean, in any format: the JSON's unknown, SARIF's
// notifications of a run that is not successful, GitLab's messages, a part of
// its own in what people read.
package report
