/* SPDX-License-Identifier: Apache-2.0 */
/* probe_client: questions as JSON, answers back into findings. */
#include <errno.h>
#include <poll.h>

#include "base/vec.h"
#include "io/channel.h"
#include "io/fd.h"
#include "io/probe_client.h"

#include "base/poison.h"

static const char *const result_names[] = { "unknown", "pass", "fail" };

const char *probe_result_name(enum probe_result r)
{
	return result_names[r];
}

static enum probe_result result_of(struct str name)
{
	if (str_eq(name, STR("pass")))
		return PROBE_PASS;
	return str_eq(name, STR("fail")) ? PROBE_FAIL : PROBE_UNKNOWN;
}

static void read_found(
	struct arena *a, const struct json *list, struct probe_finding *out)
{
	struct {
		struct str *items;
		size_t n, cap;
	} found = {};

	if (list == NULL || list->type != JSON_ARRAY)
		return;
	for (const struct json *v = list->first; v != NULL; v = v->next)
		if (v->type == JSON_STRING && !VEC_PUSH(a, &found, json_str(v)))
			break;
	out->found = found.items;
	out->n_found = found.n;
}

bool probe_stopping(const struct probe_client *c)
{
	struct pollfd p = { .fd = c->stop_fd, .events = POLLIN };

	return c->stop_fd > 0 && poll(&p, 1, 0) > 0;
}

/*
 * The socket is the supervisor's: of a role probe that has stopped nothing
 * comes, not even the end.
 */
static enum status wait_for_answer(const struct probe_client *c, int fd,
	struct mono deadline, struct err *e)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN },
		{ .fd = c->stop_fd, .events = POLLIN } };
	int rc;

	do
		rc = poll(p, c->stop_fd > 0 ? 2 : 1, channel_left_ms(deadline));
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return err_sys(e, ST_TEMP, errno, "poll");
	if (rc > 0 && p[0].revents == 0)
		return err_set(e, ST_TEMP, "stopping");
	return ST_OK;
}

static enum status exchange(const struct probe_client *c, struct arena *a,
	struct str json, struct str *reply, struct err *e)
{
	int timeout = c->timeout_ms > 0 ? c->timeout_ms : PROBE_TIMEOUT_MS;
	struct mono deadline = { clock_mono(clock_system()).ms + timeout };
	enum status st;
	int fd = -1;

	st = channel_connect(c->path, &fd, e);
	if (st == ST_OK)
		st = channel_write(fd, json, deadline, e);
	if (st == ST_OK)
		st = wait_for_answer(c, fd, deadline, e);
	if (st == ST_OK)
		st = channel_read(
			fd, a, PROBE_MESSAGE_BYTES_MAX, deadline, reply, e);
	fd_close(&fd);
	return st;
}

void probe_ask(const struct probe_client *c, struct arena *a, struct str json,
	struct probe_finding *out)
{
	struct err e = {};
	struct json *tree = NULL;
	struct str reply;
	enum status st;

	*out = (struct probe_finding){};
	st = exchange(c, a, json, &reply, &e);
	if (st == ST_OK)
		st = json_parse(a, reply, JSON_LIMITS_DEFAULT, &tree, NULL, &e);
	if (st != ST_OK) {
		out->detail = arena_fmt(
			a, "the probe role does not answer: %s", e.text);
		return;
	}
	out->result = result_of(json_get_str(tree, "result"));
	out->detail = json_get_str(tree, "detail");
	out->missing = json_true(json_get(tree, "missing"));
	out->evidence = tree;
	read_found(a, json_get(tree, "found"), out);
}

/* ---- the kinds */

struct question {
	struct sbuf text;
	struct json_writer w;
};

static void begin(struct question *q, struct arena *a, const char *kind)
{
	q->text = sbuf_arena(a, PROBE_MESSAGE_BYTES_MAX);
	q->w = json_writer_of(&q->text, 0);
	json_open_object(&q->w, NULL);
	json_put_z(&q->w, "probe", kind);
}

static void ask(struct question *q, const struct probe_client *c,
	struct arena *a, struct probe_finding *out)
{
	json_close_object(&q->w);
	if (sbuf_ok(&q->text))
		probe_ask(c, a, sbuf_str(&q->text), out);
	else
		*out = (struct probe_finding){
			.detail = STR("the question is too long")
		};
}

void probe_cname(const struct probe_client *c, struct arena *a, struct str name,
	struct str target, struct probe_finding *out)
{
	struct question q;

	begin(&q, a, "cname");
	json_put_str(&q.w, "name", name);
	json_put_str(&q.w, "target", target);
	ask(&q, c, a, out);
}

void probe_txt(const struct probe_client *c, struct arena *a, struct str name,
	struct str value, struct probe_finding *out)
{
	struct question q;

	begin(&q, a, "txt");
	json_put_str(&q.w, "name", name);
	json_put_str(&q.w, "value", value);
	ask(&q, c, a, out);
}

void probe_mx(const struct probe_client *c, struct arena *a, struct str domain,
	struct probe_finding *out)
{
	struct question q;

	begin(&q, a, "mx");
	json_put_str(&q.w, "name", domain);
	ask(&q, c, a, out);
}

void probe_caa(const struct probe_client *c, struct arena *a, struct str name,
	struct str issuer, struct str account, struct str method,
	struct probe_finding *out)
{
	struct question q;

	begin(&q, a, "caa");
	json_put_str(&q.w, "name", name);
	json_put_str(&q.w, "issuer", issuer);
	json_put_str(&q.w, "account", account);
	json_put_str(&q.w, "method", method);
	ask(&q, c, a, out);
}

void probe_http(const struct probe_client *c, struct arena *a, struct str host,
	struct str path, struct str expect, struct probe_finding *out)
{
	struct question q;

	begin(&q, a, "http");
	json_put_str(&q.w, "host", host);
	json_put_str(&q.w, "path", path);
	json_put_str(&q.w, "expect", expect);
	ask(&q, c, a, out);
}

void probe_address(const struct probe_client *c, struct arena *a,
	struct str host, const struct str *expect, size_t n,
	struct probe_finding *out)
{
	struct question q;

	begin(&q, a, "address");
	json_put_str(&q.w, "host", host);
	json_put_strs(&q.w, "expect", expect, n);
	ask(&q, c, a, out);
}

void probe_reverse(const struct probe_client *c, struct arena *a,
	struct str address, struct probe_finding *out)
{
	struct question q;

	begin(&q, a, "reverse");
	json_put_str(&q.w, "address", address);
	ask(&q, c, a, out);
}

void probe_soa(const struct probe_client *c, struct arena *a, struct str zone,
	const struct str *servers, size_t n, uint32_t serial,
	struct probe_finding *out)
{
	struct question q;

	begin(&q, a, "soa");
	json_put_str(&q.w, "zone", zone);
	json_put_strs(&q.w, "servers", servers, n);
	json_put_int(&q.w, "serial", serial);
	ask(&q, c, a, out);
}
