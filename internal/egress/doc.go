// Package egress is the one way out to the network: every HTTP request that
// Drydock makes to a registry, an advisory feed, a package index or an API goes
// through a [Transport].
//
// A transport holds the other side to four promises, whatever it answers:
//
//   - Time. A connection is made within [Limits].Connect, nothing is waited for
//     longer than Idle, and one exchange with its redirects, retries and pauses
//     never waits longer than Slack plus what it received divided by Rate. Time
//     that the caller spends between two reads does not count.
//   - Size. Headers are bounded, and a body by [Ask].Max.
//   - Place. The address that is connected to decides, not the name: see [Zone].
//   - Discretion. Credentials stay with the host they were meant for, HTTPS
//     never becomes HTTP, and offline nothing is dialled.
//
// Use:
//
//	t := egress.New(egress.Options{Offline: offline, Notice: say})
//	ctx = egress.With(ctx, egress.Ask{What: "the versions of lodash", Max: 64 << 20})
//	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
//	resp, err := t.Client().Do(req)
//
// Errors that say more than a status are [*TimeoutError], [*AddressError],
// [*LimitError], [*RedirectError] and [*OfflineError]; each has a Hint.
package egress
