/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver_event: libunbound on the loop. It runs its sockets and timers as
 * watchers of ours (unbound-event.h takes any event base), so that look-ups
 * need no thread and no process.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "io/loop.h"
#include "io/resolver.h"

struct resolver_event;

/* Statuses as resolver_open's. */
enum status resolver_event_open(struct loop *l,
	const struct resolver_options *o, struct resolver_event **out,
	struct err *e);

/*
 * All look-ups must have been cancelled. It is freed at the end of the loop's
 * turn, so this may be called in a callback. Clears *r; NULL is allowed.
 */
void resolver_event_close(struct resolver_event **r);

struct resolver_event_answer {
	bool failed;	/* SERVFAIL and its kin: there is no msg */
	struct str msg; /* a DNS message */
	enum resolver_security security;
	struct str why_bogus;
};

/* Must not ask, cancel or close anything. All borrowed. */
typedef void resolver_event_fn(
	void *ctx, const struct resolver_event_answer *answer);

/* Belongs to the caller and stays in its place while running. */
struct resolver_event_ask {
	int id;
	resolver_event_fn *done;
	void *ctx;
};

/*
 * Asks for (name, type). Unlike other calls of the loop, done may be called
 * before this returns, with ST_OK then too. ST_TEMP: libunbound refuses, and
 * done is not called.
 */
enum status resolver_event_ask_start(struct resolver_event_ask *k,
	struct resolver_event *r, const char *name, uint16_t type,
	resolver_event_fn *done, void *ctx, struct err *e);

/* For one whose done has not been called yet; it will not be. */
void resolver_event_ask_cancel(
	struct resolver_event_ask *k, struct resolver_event *r);
