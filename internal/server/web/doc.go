// Package web is the one view: pages made on the server, readable without a script,
// that follow what happens by the stream of events.
//
//	h := a.Handler((&web.Web{API: a, Index: svc.Index, Store: svc.Store, Log: log}).Handler())
//
// Every number comes from the index's lists, as the API's do. A page's address says
// all of it: filters, order, chosen layers. Templates escape what strangers named;
// there is no script and no style in a page, so that the policy of headers forbids
// both.
package web
