// Package secret knows what credentials look like, and takes them out of
// whatever is printed, logged or stored.
//
// [Find] looks for values whose format gives them away (private keys, tokens
// with a known prefix, passwords in URLs), [FindCommand] for values whose name
// does, too (DB_PASSWORD=...), [File] for both in a file, helped by what its name
// says of it:
//
//	for _, m := range secret.Find(b) {
//		fmt.Println(m.Kind, m.Severity, m.Redacted(b)) // "github-token high ghp_****"
//	}
//
// [Redact] is the door that text passes through on its way out: its result
// holds none of the secrets that its input held, and redacting twice changes
// nothing.
//
//	fmt.Println(secret.Redact(step))
//
// What is plainly no secret is not reported: the keys of documentation
// (AKIAIOSFODNN7EXAMPLE), placeholders (changeme, ${TOKEN}, <password>, xxxx),
// public keys and certificates. Nothing here keeps or hashes a value.
package secret
