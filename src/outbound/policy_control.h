/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_control: what an operator may ask and change while the role policy
 * runs, over HTTP with JSON on a socket of its own. None of it can be reached
 * through the sockets that mail servers ask.
 *
 *     GET    /metrics                      Prometheus text
 *     GET    /v1/status                    the parts and their counters
 *     GET    /v1/cache?after=D&limit=N     cached policies, in pages
 *     POST   /v1/cache                     {"domains"}: those of them
 *     GET    /v1/cache/D                   one, whole
 *     POST   /v1/cache/D/refresh           fetches it now; answer as explain
 *     DELETE /v1/cache/D                   forgets it
 *     GET    /v1/rules                     the operator's rules
 *     PUT    /v1/rules/D
 *                 {"rule", "profile", "reason", "until"}
 *     DELETE /v1/rules/D?profile=P         (default *)
 *     GET    /v1/trouble                   why mail may have to wait
 *     POST   /v1/explain                   {"next_hop"}
 *
 * Faults are problem documents (RFC 9457) with title, detail and remedy.
 */
#pragma once

#include "base/json.h"
#include "io/http_server.h"
#include "outbound/engine.h"
#include "outbound/trouble.h"

struct policy_control_parts {
	struct loop *loop;
	struct engine *engine;
	struct policy_cache *cache;
	const struct engine_profile *profiles;
	size_t n_profiles;
	policy_domain_ascii *to_ascii;
	const struct trouble *trouble;
	/* Writes the members of /v1/status, and the metrics. */
	void (*status)(void *ctx, struct json_writer *w);
	void (*metrics)(void *ctx, struct sbuf *b);
	void *ctx;
};

struct policy_control;

/* Everything is borrowed; the arrays too. */
struct policy_control *policy_control_new(
	const struct policy_control_parts *parts);

/* Its calls must have ended: free the HTTP server first. */
void policy_control_free(struct policy_control **c);

/* For http_server_listen, with the control as ctx: all of the above ... */
void policy_control_serve(void *control, struct http_call *call);

/* ... and GET /metrics alone. */
void policy_control_serve_metrics(void *control, struct http_call *call);
