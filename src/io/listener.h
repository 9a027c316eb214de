/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener: takes TCP (or unix) connections off a listening socket. The gate
 * caps connections overall and per address and is shared by the listeners of a
 * process. Out of descriptors it waits a moment instead of spinning.
 */
#pragma once

#include "io/addr.h"
#include "io/loop.h"

#define LISTENER_BATCH 32	/* connections taken in one turn */
#define LISTENER_BACKOFF_MS 100 /* after EMFILE, or with the gate full */

struct gate;

/*
 * At most max connections in all and max_per_addr from one IPv4 address or
 * IPv6 /64 network.
 */
struct gate *gate_new(unsigned max, unsigned max_per_addr);
void gate_free(struct gate **g);

/* A connection from peer has ended; every accepted one must be told once. */
void gate_leave(struct gate *g, const struct addr *peer);

unsigned gate_count(const struct gate *g);

/* Is but a sixteenth of the places left: time to give up an idle client? */
bool gate_is_near(const struct gate *g);

/*
 * fd is non-blocking, close-on-exec and the callee's to close, as is the duty
 * to tell gate_leave; peer is borrowed.
 */
typedef void listener_fn(void *ctx, int fd, const struct addr *peer);

struct listener;

/* Listens on fd, which it takes over; g is borrowed. */
struct listener *listener_new(
	struct loop *l, int fd, struct gate *g, listener_fn *fn, void *ctx);

/* Stops and closes the socket; clears *l; safe from its own callback. */
void listener_free(struct listener **l);
