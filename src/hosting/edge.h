/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge: the HTTPS and HTTP server towards strangers. Over TLS it serves policy
 * files (RFC 8461 section 3.3), takes TLS reports (RFC 8460 section 5.4) and
 * forwards requests for the console's host; on port 80 it answers challenges of
 * a certificate authority (RFC 8555 section 8.3) and nothing else.
 *
 * Everything it knows comes from the view; it opens no database, connects
 * nowhere but to the console's socket, and parses no report.
 */
#pragma once

#include "base/clock.h"
#include "base/status.h"
#include "io/crypto.h"
#include "io/loop.h"
#include "io/spool.h"
#include "io/spool_quota.h"
#include "view/view.h"

struct edge_options {
	unsigned max_connections;
	unsigned max_per_address;
	size_t cert_cache;	      /* parsed certificates kept */
	int64_t head_ms;	      /* for the handshake, and for a head */
	int64_t idle_ms;	      /* between requests */
	int64_t body_ms;	      /* for a whole body */
	uint64_t report_bytes;	      /* one report as sent */
	uint64_t report_memory_bytes; /* all that are being received */
	struct spool_quota_limits per_id, per_source;
	const char *console_socket; /* "" or NULL: nothing is forwarded */
};

/* What a running edge uses; all borrowed. */
struct edge_parts {
	struct loop *loop;
	const struct clock *clock;
	struct view *view;
	struct spool *spool;
	const struct crypto_key *seal;
};

struct edge;

/* Starts the disk thread: call it after the sandbox was entered. */
struct edge *edge_new(
	const struct edge_parts *parts, const struct edge_options *options);

/* Serves on a listening socket, which it takes over. */
void edge_listen(struct edge *e, int fd, bool secure);

/* Ends all connections, waits for the disk thread; clears *e. */
void edge_free(struct edge **e);
