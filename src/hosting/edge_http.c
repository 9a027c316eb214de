/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge_http: which answer a request gets. Who is asked is settled by the server
 * name of the handshake; a Host that differs is not ours to answer (RFC 9110
 * section 7.4). There are no redirects: RFC 8461 section 3.3 forbids clients to
 * follow them.
 */
#include <string.h>

#include "hosting/edge_own.h"

#include "base/bug.h"
#include "base/log.h"

#include "base/poison.h"

#define POLICY_PATH "/.well-known/mta-sts.txt"
#define CHALLENGE_PATH "/.well-known/acme-challenge/"
#define REPORT_PATH "/v1/tlsrpt/"
#define HEAD_BYTES 512u

/* ---- answers ---- */

/* The Date line, written anew once a second. */
static struct str date_now(struct edge *e)
{
	struct unix_time now = clock_now(e->parts.clock);

	if (now.s != e->date_s || e->n_date == 0) {
		struct sbuf b = sbuf_fixed(e->date, sizeof(e->date));

		http_date_write(&b, now);
		e->n_date = b.n;
		e->date_s = now.s;
	}
	return (struct str){ e->date, e->n_date };
}

void edge_reply(struct edge_conn *c, const struct edge_reply *r)
{
	struct edge *e = c->edge;
	size_t body_n = c->to_head ? 0 : r->body.n;
	size_t cap = HEAD_BYTES + r->extra.n + r->type.n + body_n;
	char *p = edge_conn_room(c, cap);
	struct sbuf b = sbuf_fixed(p, cap);

	http_answer_write(&b,
		&(struct http_answer){
			.code = r->code,
			.date = date_now(e),
			.content_type = r->type.p != NULL ? r->type
							  : STR("text/plain"),
			.cache_control = r->cache,
			.extra = r->extra,
			.length = r->body.n,
			.keep_alive = c->keep_alive,
			.minor = c->minor,
		});
	if (!c->to_head)
		sbuf_add(&b, r->body);
	BUG(!sbuf_ok(&b));
	c->out_n -= cap - b.n;
	edge_conn_enter(c, EDGE_WRITE, e->options.body_ms);
}

static void refuse_with(struct edge_conn *c, int code, struct str extra)
{
	char text[64];
	struct sbuf b = sbuf_fixed(text, sizeof(text));

	sbuf_fmt(&b, "%d %s\n", code, http_reason(code));
	edge_reply(c,
		&(struct edge_reply){
			.code = code, .extra = extra, .body = sbuf_str(&b) });
}

void edge_refuse(struct edge_conn *c, int code)
{
	refuse_with(c, code, (struct str){});
}

void edge_refuse_close(struct edge_conn *c, int code)
{
	c->keep_alive = false;
	c->linger = true;
	edge_report_abandon(c);
	edge_forward_free(c);
	edge_body_free(c);
	c->out_n = c->out_at = 0;
	edge_refuse(c, code);
}

void edge_refuse_retry(struct edge_conn *c, int code, int64_t retry_s)
{
	char text[64];
	struct sbuf b = sbuf_fixed(text, sizeof(text));

	sbuf_fmt(&b, "Retry-After: %lld\r\n", (long long)retry_s);
	refuse_with(c, code, sbuf_str(&b));
}

static void refuse_method(struct edge_conn *c, struct str allow)
{
	refuse_with(c, 405, allow);
}

/* ---- what is served ---- */

static bool is_read(const struct http_request *r)
{
	return r->method == HTTP_GET || r->method == HTTP_HEAD;
}

static void serve_policy(struct edge_conn *c, const struct http_request *r)
{
	if (c->host.policy.p == NULL || !str_eq(r->path, STR(POLICY_PATH))) {
		edge_refuse(c, 404);
		return;
	}
	if (!is_read(r)) {
		refuse_method(c, STR("Allow: GET, HEAD\r\n"));
		return;
	}
	edge_reply(c, &(struct edge_reply){ .code = 200,
			      .cache = STR("no-cache"),
			      .body = c->host.policy });
}

static void serve_report(struct edge_conn *c, const struct http_request *r)
{
	if (!str_starts(r->path, STR(REPORT_PATH)))
		edge_refuse(c, 404);
	else if (r->method != HTTP_POST)
		refuse_method(c, STR("Allow: POST\r\n"));
	else
		edge_report_begin(c, r);
}

/* RFC 8555 section 8.3 */
static void serve_challenge(struct edge_conn *c, const struct http_request *r)
{
	struct str token = str_from(r->path, sizeof(CHALLENGE_PATH) - 1);

	for (size_t i = 0; i < c->host.n_http01; i++) {
		if (!str_eq(c->host.http01[i].token, token))
			continue;
		LOG(LOG_INFO, "edge.acme_http", KV_STR("host", r->host));
		edge_reply(c, &(struct edge_reply){ .code = 200,
				      .type = STR("application/octet-stream"),
				      .cache = STR("no-store"),
				      .body = c->host.http01[i].key_auth });
		return;
	}
	edge_refuse(c, 404);
}

static void route_plain(struct edge_conn *c, const struct http_request *r)
{
	if (!str_starts(r->path, STR(CHALLENGE_PATH)))
		edge_refuse(c, 404);
	else if (!is_read(r))
		refuse_method(c, STR("Allow: GET, HEAD\r\n"));
	else
		serve_challenge(c, r);
}

static void route_secure(
	struct edge_conn *c, const struct http_request *r, struct str head)
{
	const char *socket = c->edge->options.console_socket;

	switch (c->host.kind) {
	case VIEW_HOST_POLICY:
		serve_policy(c, r);
		return;
	case VIEW_HOST_REPORT:
		serve_report(c, r);
		return;
	case VIEW_HOST_CONSOLE:
		if (socket == NULL || socket[0] == '\0')
			break;
		edge_forward_begin(c, r, head);
		return;
	}
	edge_refuse(c, 404);
}

/* true when the body, if there is one, is read before the answer is final */
static bool takes_body(const struct edge_conn *c)
{
	return c->phase == EDGE_BODY || c->phase == EDGE_FORWARD;
}

static enum status host_find(struct edge_conn *c, const struct http_request *r)
{
	struct str sni = { c->name, c->n_name };

	if (c->tls == NULL)
		return edge_conn_host(c, r->host);
	if (!str_eq_nocase(sni, r->host))
		return ST_NOTFOUND;
	return edge_conn_host(c, sni);
}

/*
 * No answer may mix with an unread body: a refused request that has one ends
 * the connection.
 */
static void dispatch(
	struct edge_conn *c, const struct http_request *r, struct str head)
{
	bool has_body = r->framing != HTTP_BODY_NONE && r->length > 0;
	bool keep_alive = c->keep_alive;
	enum status st = host_find(c, r);

	has_body |= r->framing == HTTP_BODY_CHUNKED;
	if (has_body) {
		c->keep_alive = false;
		c->linger = true;
	}
	if (st == ST_NOTFOUND)
		edge_refuse(c, 404);
	else if (st != ST_OK)
		edge_refuse_retry(c, 503, 5);
	else if (c->tls == NULL)
		route_plain(c, r);
	else
		route_secure(c, r, head);
	if (takes_body(c)) {
		c->keep_alive = keep_alive;
		c->linger = false;
	}
}

void edge_http_head(struct edge_conn *c, struct str head)
{
	struct http_request r;
	struct err e;
	int code;

	c->to_head = false;
	c->minor = 1;
	if (http_request_parse(head, &r, &code, &e) != ST_OK) {
		LOG(LOG_DEBUG, "edge.bad_request", KV_Z("reason", e.text));
		edge_refuse_close(c, code);
		return;
	}
	c->to_head = r.method == HTTP_HEAD;
	c->minor = r.minor;
	c->linger = false;
	c->keep_alive = r.keep_alive && c->n_requests < EDGE_REQUESTS_MAX;
	dispatch(c, &r, head);
}
