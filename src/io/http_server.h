/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_server: HTTP/1.1 on the loop for local clients: a control socket, a
 * listener for metrics. One request per connection; its body is read whole
 * before the handler sees it; the answer may come in a later turn.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "io/listener.h"
#include "io/loop.h"
#include "proto/http_head.h"

#define HTTP_SERVER_BODY_BYTES_MAX (64u << 10)
#define HTTP_SERVER_ARENA_BYTES_MAX (64u << 20)
#define HTTP_SERVER_TALK_MS 10000 /* to send a request; to take an answer */
#define HTTP_SERVER_LISTENERS_MAX 16

struct http_server;

/* One request, from the handler's call until http_call_answer. */
struct http_call {
	struct arena *arena; /* lives as long; capped, see above */
	struct http_request req;
	struct str body; /* p == NULL: there was none */
	int64_t uid; /* who asks, by the kernel; -1: not over a unix socket */

	/* Set by a handler that answers later: it is called, instead of an
	 * answer, when the server is freed meanwhile. NULL: not needed. */
	loop_fn *cancel;
	void *cancel_ctx;
};

/* Answers now or later, once. */
typedef void http_server_fn(void *ctx, struct http_call *call);

/* gate is borrowed and caps the connections. */
struct http_server *http_server_new(
	struct loop *l, const struct clock *clock, struct gate *gate);

/* Serves what comes in on fd, which it takes over, with fn. */
void http_server_listen(
	struct http_server *s, int fd, http_server_fn *fn, void *ctx);

/* Closes everything; clears *s; NULL is allowed. */
void http_server_free(struct http_server **s);

/*
 * Sends the answer; type and body are copied. The call is gone with it, but for
 * its memory, which lives until the end of the turn.
 */
void http_call_answer(
	struct http_call *call, int code, struct str type, struct str body);
