// Package api is the HTTP interface of the service: REST under /api/v1, described
// by an OpenAPI document that a test holds to every route and answer, the stream of
// events, and the guard that stands before it and the pages.
//
//	a := &api.API{Service: svc, Guard: &api.Guard{Token: token}, Log: log, Version: version}
//	h := a.Handler(pages) // pages answer what is not under /api
//
// Reading is free on loopback; a change needs the token, as a bearer or as the
// session of a browser that was opened with it. Any web page and any user of the
// machine can reach loopback: Host, Origin and Sec-Fetch-Site are checked, and what
// answers says by its headers that nobody may embed or run it.
package api
