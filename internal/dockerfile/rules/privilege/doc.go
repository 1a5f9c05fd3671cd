// Package privilege holds the rules about users, rights, secrets and what is trusted:
// containers that run as root, passwords in a build, downloads without TLS.
//
//	for _, c := range privilege.Checks() { fmt.Println(c.ID, c.Aliases) }
//
// No message shows a secret that a rule finds.
package privilege
