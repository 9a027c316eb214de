/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_udp: answers requests on a UDP socket, many per system call
 * (recvmmsg, sendmmsg). What cannot be sent at once is dropped: the client
 * asks again.
 */
#pragma once

#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/status.h"
#include "io/loop.h"
#include "proto/dns_handler.h"
#include "proto/dns_rrl.h"

#define DNS_UDP_BATCH 64
#define DNS_UDP_BATCHES_PER_TURN 8 /* then TCP and timers get their turn */

struct dns_udp_options {
	const struct dns_handler *handler;
	const struct clock *clock;
	struct dns_rrl *rrl; /* NULL: no rate limit */
	const struct ip_net *rrl_exempt;
	size_t n_rrl_exempt;
};

struct dns_udp;

/*
 * Serves fd, which it takes over; options are copied, what they point to is
 * borrowed. A socket bound to the wildcard answers from the address it was
 * asked at. ST_PERM: fd is no UDP socket (it is closed then).
 */
enum status dns_udp_new(struct loop *l, int fd,
	const struct dns_udp_options *options, struct dns_udp **out,
	struct err *e);

/* Stops and closes the socket; clears *u; NULL is allowed. */
void dns_udp_free(struct dns_udp **u);
