/* SPDX-License-Identifier: Apache-2.0 */
/* queue_line: the JSON of postqueue, taken with a pinch of salt. */
#include "outbound/queue_line.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/vec.h"
#include "proto/host_name.h"

#include "base/poison.h"

#define NODES_MAX (4 * QUEUE_RECIPIENTS_MAX + 64)
#define DEPTH_MAX 4

struct recipients {
	struct queue_recipient *items;
	size_t n, cap;
};

/* Postfix makes them of digits and letters, never with a leading hyphen. */
static bool is_id(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!chr_is_alnum(s.p[i]))
			return false;
	return s.n > 0 && s.n <= QUEUE_ID_BYTES_MAX;
}

/* What is behind the last @; empty if there is none. */
static struct str domain_of(struct str address)
{
	size_t at = address.n;

	while (at > 0 && address.p[at - 1] != '@')
		at--;
	return at == 0 ? (struct str){} : str_from(address, at);
}

static enum status add_recipient(struct arena *a, const struct json *v,
	policy_domain_ascii *to_ascii, struct recipients *list,
	size_t *passed_over)
{
	struct str address = json_get_str(v, "address");
	struct queue_recipient r = { .reason = json_get_str(
					     v, "delay_reason") };
	struct policy_domain d;
	enum status st = policy_domain_parse(
		a, domain_of(address), to_ascii, &d);

	if (st == ST_LIMIT)
		return st;
	/* A port or brackets are no part of an address with a domain. */
	if (st != ST_OK || d.is_host || d.port != SMTP_PORT) {
		(*passed_over)++;
		return ST_OK;
	}
	r.domain = d.name;
	return VEC_PUSH(a, list, r) ? ST_OK : ST_LIMIT;
}

enum status queue_line_parse(struct arena *a, struct str line,
	policy_domain_ascii *to_ascii, struct queue_message *out, struct err *e)
{
	struct queue_message m = {};
	struct recipients list = {};
	const struct json *v;
	struct json *tree;
	enum status st;

	if (line.n > QUEUE_LINE_BYTES_MAX)
		return err_set(e, ST_LIMIT, "a line of postqueue is too long");
	st = json_parse(a, line, (struct json_limits){ DEPTH_MAX, NODES_MAX },
		&tree, NULL, e);
	if (st != ST_OK)
		return st;
	m.id = json_get_str(tree, "queue_id");
	m.deferred = str_eq(json_get_str(tree, "queue_name"), STR("deferred"));
	if (!is_id(m.id) || json_i64(json_get(tree, "arrival_time"), 0, UTC_MAX,
				    &m.arrival) != ST_OK)
		return err_set(e, ST_INVALID,
			"no queue_id and arrival_time as postqueue -j has "
			"them");
	v = json_get(tree, "recipients");
	for (v = v != NULL ? v->first : NULL; v != NULL && st == ST_OK;
		v = v->next)
		st = add_recipient(a, v, to_ascii, &list, &m.passed_over);
	if (st != ST_OK)
		return err_set(e, st, "no memory for a line of postqueue");
	m.recipients = list.items;
	m.n = list.n;
	*out = m;
	return ST_OK;
}

static bool is_host_byte(char c)
{
	return chr_is_alnum(c) || c == '-' || c == '.';
}

/* The next word of the reason that could be a host, in lower case; n == 0:
 * none. As "... was not offered by host relay.example.net[192.0.2.1]". */
static size_t next_host(struct str *rest, char host[HOST_NAME_BYTES_MAX])
{
	while (rest->n > 0) {
		size_t n = 0;
		struct str w;

		while (n < rest->n && is_host_byte(rest->p[n]))
			n++;
		w = str_upto(*rest, n);
		*rest = str_from(*rest, n + 1);
		if (n == 0 || n > HOST_NAME_BYTES_MAX || str_index(w, '.') < 0)
			continue;
		str_lower(host, w);
		return n;
	}
	return 0;
}

bool queue_recipient_concerns(const struct queue_recipient *r,
	bool (*is)(const void *ctx, struct str name), const void *ctx)
{
	char host[HOST_NAME_BYTES_MAX];
	struct str rest = r->reason;
	size_t n;

	if (is(ctx, r->domain))
		return true;
	while ((n = next_host(&rest, host)) > 0)
		if (is(ctx, (struct str){ host, n }))
			return true;
	return false;
}
