// Package check is the one pipeline that the command line and the server
// share: a target in, findings of every practice out.
package check
