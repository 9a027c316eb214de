/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_tcp: DNS over TCP (RFC 7766): requests may be pipelined and are answered
 * in order; zone transfers go out as fast as the client reads them. A client
 * that neither completes a request nor takes an answer in time is closed, so
 * slow bytes hold nothing. With nearly all places of the gate taken, a new
 * client ends the connection that got on longest ago, transfers excepted.
 */
#pragma once

#include <stdint.h>

#include "base/clock.h"
#include "io/listener.h"
#include "io/loop.h"
#include "proto/dns_handler.h"

#define DNS_TCP_REQUEST_MAX 4096 /* bytes; a longer request ends it */
#define DNS_TCP_PER_TURN 16	 /* messages for one client, then others */
#define DNS_TCP_LISTENERS_MAX 64

struct dns_tcp_options {
	const struct dns_handler *handler;
	const struct clock *clock;
	struct gate *gate;
	int64_t idle_ms; /* for a whole request to come, an answer to go */
};

struct dns_tcp;

/* Options are copied, what they point to is borrowed. */
struct dns_tcp *dns_tcp_new(
	struct loop *l, const struct dns_tcp_options *options);

/* Serves the listening socket fd too, which it takes over. */
void dns_tcp_listen(struct dns_tcp *t, int fd);

/* Stops and closes everything; clears *t; NULL is allowed. */
void dns_tcp_free(struct dns_tcp **t);
