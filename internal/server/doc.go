// Package server puts the service together: the store, the index that follows it,
// the workers, the API and the pages, behind one listener.
//
//	err := server.Run(ctx, server.Options{Data: dir, Listen: "127.0.0.1:8480", …}) // until ctx ends
//
// Loopback is served as plain HTTP; any other address needs a certificate, and the
// token to read too. One process is everything; with PostgreSQL, several share the
// work: workers do tasks, web processes show.
package server
