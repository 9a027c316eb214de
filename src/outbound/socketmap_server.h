/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socketmap_server: the sockets that mail servers ask. Each connection may have
 * several requests under way; replies keep their order. All that can be
 * answered of what a read gave goes out in one write.
 *
 * No client can hold up another: each gets so many requests answered in a turn
 * and then the others theirs; one that does not take its replies is not read
 * from, and closed after a while, as is one that does not complete a request.
 */
#pragma once

#include <stdint.h>

#include "io/loop.h"
#include "outbound/answer_source.h"
#include "outbound/answers.h"

#define SOCKETMAP_PER_TURN 64	 /* requests of one client, then others */
#define SOCKETMAP_WAITING_MAX 64 /* requests of one client not yet answered */
#define SOCKETMAP_LISTENERS_MAX 64
/* Postfix closes what it does not use after 10 s, everything after 100 s. */
#define SOCKETMAP_IDLE_MS 120000
#define SOCKETMAP_SLOW_MS 30000 /* for a request to come, a reply to go */

struct socketmap_server_options {
	struct loop *loop;
	struct answers *answers;	    /* borrowed */
	const struct answer_source *source; /* borrowed */
	unsigned max_connections;
	int64_t idle_ms, slow_ms; /* 0: as above */
};

struct socketmap_server;

struct socketmap_server *socketmap_server_new(
	const struct socketmap_server_options *options);

/* Serves the listening socket fd (TCP or unix) too, which it takes over. */
void socketmap_server_listen(struct socketmap_server *s, int fd);

/* Closes everything, cancels what is asked; clears *s; NULL is allowed. */
void socketmap_server_free(struct socketmap_server **s);

struct socketmap_server_stats {
	uint64_t requests;  /* answered or under way */
	uint64_t hot;	    /* answered from answers */
	uint64_t malformed; /* connections closed: no socketmap client */
	uint64_t timed_out; /* connections closed: too slow */
	size_t connections, waiting;
};
void socketmap_server_stats(
	const struct socketmap_server *s, struct socketmap_server_stats *out);
