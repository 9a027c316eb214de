/* SPDX-License-Identifier: Apache-2.0 */
/* dns_stub_tcp: one DNS message out and one in over a TCP connection. */
#pragma once

#include "base/status.h"
#include "base/str.h"
#include "io/addr.h"
#include "io/loop.h"

#define DNS_STUB_QUERY_MAX 512

struct dns_stub_tcp;

/* ST_OK with a message (borrowed), or ST_TEMP. The caller sets the deadline. */
typedef void dns_stub_tcp_fn(void *ctx, enum status st, struct str msg);

/* query (copied): at most DNS_STUB_QUERY_MAX. NULL: it cannot be connected. */
struct dns_stub_tcp *dns_stub_tcp_start(struct loop *l, const struct addr *to,
	struct str query, dns_stub_tcp_fn *done, void *ctx);

/* done will not be called; clears *t; NULL is allowed. Not after done. */
void dns_stub_tcp_cancel(struct dns_stub_tcp **t);
