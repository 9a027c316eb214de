/* SPDX-License-Identifier: Apache-2.0 */
/* spool_head: lines out, and the same lines in. */
#include "io/spool_head.h"

#include <inttypes.h>

#include "base/bug.h"
#include "base/num.h"

#include "base/poison.h"

#define MAGIC "moat-spool 1\n"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const source_names[] = {
	[SPOOL_POST] = "post",
	[SPOOL_IMPORT] = "import",
	[SPOOL_MAIL] = "mail",
};

const char *spool_source_name(enum spool_source source)
{
	return source_names[source];
}

static bool field_ok(struct str v, size_t max)
{
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] < ' ' || v.p[i] == 0x7f)
			return false;
	return v.n <= max;
}

static void field_write(struct sbuf *b, const char *name, struct str v)
{
	sbuf_addz(b, name);
	sbuf_addz(b, ": ");
	sbuf_add(b, v);
	sbuf_addc(b, '\n');
}

enum status spool_head_write(
	struct sbuf *b, const struct spool_meta *m, struct err *e)
{
	if (!field_ok(m->id, SPOOL_ID_MAX))
		return err_set(e, ST_INVALID, "spool: recipient id");
	if (!field_ok(m->remote, SPOOL_REMOTE_MAX))
		return err_set(e, ST_INVALID, "spool: remote address");
	if (!field_ok(m->content_type, SPOOL_CONTENT_TYPE_MAX))
		return err_set(e, ST_INVALID, "spool: content type");
	sbuf_add(b, STR(MAGIC));
	sbuf_fmt(b, "source: %s\nreceived: %" PRId64 "\n",
		source_names[m->source], m->received.s);
	field_write(b, "id", m->id);
	field_write(b, "remote", m->remote);
	field_write(b, "content-type", m->content_type);
	sbuf_addc(b, '\n');
	BUG(!sbuf_ok(b));
	return ST_OK;
}

static bool field_take(struct str *rest, struct str name, struct str *out)
{
	struct str line = str_cut(rest, '\n');

	if (rest->p == NULL || !str_starts(line, name))
		return false;
	*out = str_from(line, name.n);
	return true;
}

enum status spool_head_parse(struct str all, struct spool_meta *meta,
	struct str *body, struct err *e)
{
	struct spool_meta m = {};
	struct str source, received, rest;
	bool known = false;

	if (!str_starts(all, STR(MAGIC)))
		goto bad;
	rest = str_from(all, sizeof(MAGIC) - 1);
	if (!field_take(&rest, STR("source: "), &source) ||
		!field_take(&rest, STR("received: "), &received) ||
		!field_take(&rest, STR("id: "), &m.id) ||
		!field_take(&rest, STR("remote: "), &m.remote) ||
		!field_take(&rest, STR("content-type: "), &m.content_type) ||
		rest.n == 0 || rest.p[0] != '\n')
		goto bad;
	for (size_t i = 0; i < COUNT(source_names); i++) {
		if (!str_eq(source, str_of(source_names[i])))
			continue;
		m.source = (enum spool_source)i;
		known = true;
	}
	if (!known || num_i64(received, 0, UTC_MAX, &m.received.s) != ST_OK)
		goto bad;
	*meta = m;
	*body = str_from(rest, 1);
	return ST_OK;
bad:
	return err_set(e, ST_INVALID, "not a spool file");
}
