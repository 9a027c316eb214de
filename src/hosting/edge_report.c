/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge_report: TLS reports by HTTPS POST (RFC 8460 section 5.4). Whatever can
 * be refused is refused before the body is read; 201 is said only when the
 * disk thread has made the report durable.
 */
#include <string.h>

#include "hosting/edge_own.h"

#include "base/log.h"
#include "base/mem.h"

#include "base/poison.h"

#define ID_AT (sizeof("/v1/tlsrpt/") - 1)
#define BUSY_RETRY_S 10

/* The media types of RFC 8460 section 6.4 and 6.5, and how they are misspelt.
 */
static const char *const types[] = {
	"application/tlsrpt+gzip",
	"application/tlsrpt+json",
	"application/tlsrpt",
	"application/gzip",
	"application/json",
};

static bool type_ok(struct str value)
{
	struct str type = str_trim(str_cut(&value, ';'));

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_eq_nocase(type, str_of(types[i])))
			return true;
	return false;
}

/* A report may say gzip in either place; the reader looks at the bytes. */
static bool coding_ok(struct str value)
{
	return value.p == NULL || str_eq_nocase(value, STR("gzip")) ||
	       str_eq_nocase(value, STR("identity"));
}

static struct str remote_write(const struct edge_conn *c, char *p, size_t cap)
{
	struct sbuf b = sbuf_fixed(p, cap);

	addr_write_ip(&b, &c->peer);
	return sbuf_str(&b);
}

static struct str id_of(const struct edge_conn *c)
{
	return (struct str){ c->id, c->n_id };
}

static void on_stored(
	void *ctx, enum status st, enum spool_limit which, const char *why)
{
	struct edge_conn *c = ctx;

	c->job = NULL;
	if (st == ST_OK) {
		LOG(LOG_INFO, "report.taken", KV_STR("id", id_of(c)));
		edge_reply(c, &(struct edge_reply){ .code = 201,
				      .body = STR("201 Created\n") });
	} else {
		LOG(LOG_WARN, "report.refused", KV_STR("id", id_of(c)),
			KV_Z("limit", spool_limit_name(which)),
			KV_Z("reason", why));
		if (which == SPOOL_LIMIT_FILE)
			edge_refuse(c, 413);
		else if (st == ST_LIMIT)
			edge_refuse_retry(c, 507, 3600);
		else
			edge_refuse_retry(c, st == ST_INVALID ? 400 : 503, 60);
	}
	edge_conn_run(c);
}

/* What was announced and did not come does not count. */
static void settle(struct edge_conn *c)
{
	struct edge *e = c->edge;

	if (c->charged > 0)
		spool_quota_give_back(e->quota, loop_now(e->parts.loop),
			id_of(c), addr_client(&c->peer),
			c->charged - c->body.n);
	c->charged = 0;
}

/* The body is complete: to the disk thread with it. */
static void on_complete(struct edge_conn *c)
{
	struct edge *e = c->edge;
	char remote[SPOOL_REMOTE_MAX];
	struct spool_meta meta = {
		.source = SPOOL_POST,
		.id = id_of(c),
		.received = clock_now(e->parts.clock),
		.remote = remote_write(c, remote, sizeof(remote)),
		.content_type = { c->content_type, c->n_content_type },
	};

	settle(c);
	if (c->body.n == 0) {
		edge_refuse(c, 400);
		return;
	}
	if (spool_writer_start(e->writer, &meta, c->body.p, c->body.n,
		    on_stored, c, &c->job) != ST_OK) {
		edge_body_free(c);
		edge_refuse_retry(c, 503, BUSY_RETRY_S);
		return;
	}
	c->body.p = NULL; /* the writer has it */
	edge_body_free(c);
	edge_conn_enter(c, EDGE_SPOOL, EDGE_DISK_MS);
}

/* What is wrong with the head, as a status code; 0: nothing. */
static int head_fault(struct edge_conn *c, const struct http_request *r)
{
	struct str type = http_field_get(&r->fields, STR("content-type"));
	struct str coding = http_field_get(&r->fields, STR("content-encoding"));

	if (!type_ok(type) || type.n > sizeof(c->content_type) ||
		!coding_ok(coding))
		return 415;
	if (r->framing == HTTP_BODY_NONE)
		return 411;
	if (r->framing == HTTP_BODY_LENGTH &&
		r->length > c->edge->options.report_bytes)
		return 413;
	memcpy(c->content_type, type.p, type.n);
	c->n_content_type = type.n;
	return 0;
}

/* Is there such an ID? Answers itself when not. */
static bool id_known(struct edge_conn *c, const struct http_request *r)
{
	struct str id = str_from(r->path, ID_AT);
	struct arena *a;
	struct view_label label;
	enum status st;

	if (id.n == 0 || id.n > sizeof(c->id)) {
		edge_refuse(c, 404);
		return false;
	}
	a = arena_must(0);
	st = view_label_get(c->edge->parts.view, a, id, &label);
	arena_free(&a);
	if (st == ST_NOTFOUND)
		edge_refuse(c, 404);
	else if (st != ST_OK)
		edge_refuse_retry(c, 503, BUSY_RETRY_S);
	str_lower(c->id, id);
	c->n_id = id.n;
	return st == ST_OK;
}

static bool quota_take(struct edge_conn *c, const struct http_request *r)
{
	struct edge *e = c->edge;
	struct mono now = loop_now(e->parts.loop);
	char text[SPOOL_REMOTE_MAX];
	enum spool_quota_kind which;
	int64_t retry_s;

	c->charged = r->framing == HTTP_BODY_LENGTH ? r->length
						    : e->options.report_bytes;
	if (spool_quota_take(e->quota, now, id_of(c), addr_client(&c->peer),
		    c->charged, &which, &retry_s) == ST_OK)
		return true;
	c->charged = 0;
	LOG(LOG_WARN, "report.quota", KV_STR("id", id_of(c)),
		KV_STR("remote", remote_write(c, text, sizeof(text))),
		KV_Z("whose", spool_quota_kind_name(which)));
	edge_refuse_retry(c, 429, retry_s);
	return false;
}

void edge_report_begin(struct edge_conn *c, const struct http_request *r)
{
	struct edge *e = c->edge;
	int fault;

	if (!id_known(c, r))
		return;
	fault = head_fault(c, r);
	if (fault != 0) {
		edge_refuse(c, fault);
		return;
	}
	if (e->body_bytes >= e->options.report_memory_bytes) {
		edge_refuse_retry(c, 503, BUSY_RETRY_S);
		return;
	}
	if (quota_take(c, r))
		edge_conn_receive(c, r, e->options.report_bytes, on_complete);
}

void edge_report_abandon(struct edge_conn *c)
{
	settle(c);
	spool_job_cancel(&c->job);
}
