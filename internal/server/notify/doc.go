// Package notify tells webhooks what changed: one message for each advisory, however
// many images and packages it is about.
//
//	n := &notify.Notifier{Store: st, Index: x, Client: client, Log: log}
//	err := n.Run(ctx) // until ctx ends
//
// Messages are made from the events of the outbox. The mark up to where events are
// read and the messages that come of them are one transaction, and a message has a
// name that its event gives it: a process that is killed loses none and makes none
// twice. A message is sent at least once, with the same id each time; what fails is
// tried again with growing pauses, and what fails too often is kept as dead.
package notify
