/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert: certificates by host. The last one added is the current one; older ones
 * stay as history until they are pruned.
 */
#include "store/store.h"
#include "store/table.h"

#include "base/poison.h"

#define AT(member) offsetof(struct store_cert, member)

#define COLUMNS_KEY                                                            \
	COLUMN("tenant", COL_TEXT, AT(tenant)),                                \
		COLUMN("host", COL_TEXT, AT(host)),                            \
		COLUMN("id", COL_TEXT, AT(id))
#define COLUMNS_TIMES                                                          \
	COLUMN("ari_start", COL_INT, AT(ari_start)),                           \
		COLUMN("ari_end", COL_INT, AT(ari_end)),                       \
		COLUMN("ari_next", COL_INT, AT(ari_next)),                     \
		COLUMN("ari_url", COL_WORDS, AT(ari_url)),                     \
		COLUMN("renew_at", COL_INT, AT(renew_at))
#define COLUMNS_SHORT                                                          \
	COLUMNS_KEY, COLUMN("not_before", COL_INT, AT(not_before)),            \
		COLUMN("not_after", COL_INT, AT(not_after)),                   \
		COLUMN("created", COL_INT, AT(created)),                       \
		COLUMN("issuer", COL_WORDS, AT(issuer)),                       \
		COLUMN("serial", COL_TEXT, AT(serial)),                        \
		COLUMN("source", COL_TEXT, AT(source)),                        \
		COLUMN("directory", COL_TEXT, AT(directory)), COLUMNS_TIMES

static const struct column columns[] = {
	COLUMNS_SHORT,
	COLUMN("chain", COL_BLOBS, AT(chain)),
	COLUMN("key_sealed", COL_BYTES, AT(key_sealed)),
};
static const struct table cert = TABLE("cert", struct store_cert, columns, 3);

static const struct column short_columns[] = { COLUMNS_SHORT };
static const struct table cert_short = TABLE(
	"cert", struct store_cert, short_columns, 3);

static const struct column time_columns[] = { COLUMNS_KEY, COLUMNS_TIMES };
static const struct table cert_times = TABLE(
	"cert", struct store_cert, time_columns, 3);

static enum status add_rows(
	struct store *s, const struct store_cert *c, struct err *e)
{
	enum status st;

	st = store_run(s,
		"UPDATE cert SET is_current = 0 "
		"WHERE tenant = $1 AND host = $2 AND is_current = 1",
		ARGS(DB_T(c->tenant), DB_T(c->host)), NULL, e);
	/* A new row is current by the default of its column. */
	if (st == ST_OK)
		st = table_insert(s, &cert, c, e);
	if (st == ST_OK)
		st = store_change_add(
			s, STORE_CHANGE_CERT, c->tenant, c->host, NULL, e);
	return st;
}

enum status store_cert_add(
	struct store *s, const struct store_cert *c, struct err *e)
{
	enum status st;
	bool own;

	st = store_join(s, &own, e);
	if (st != ST_OK)
		return st;
	return store_leave(s, own, add_rows(s, c, e), e);
}

enum status store_cert_put_times(
	struct store *s, const struct store_cert *c, struct err *e)
{
	return table_update(s, &cert_times, c, e);
}

enum status store_cert_current(struct store *s, struct arena *a,
	struct str tenant, struct str host, struct store_cert *out,
	struct err *e)
{
	return table_get(s, a, &cert,
		"WHERE tenant = $1 AND host = $2 AND is_current = 1",
		ARGS(DB_T(tenant), DB_T(host)), out, e);
}

/* "mta-sts." stands before the domain's name. */
#define IN_USE                                                                 \
	"WHERE is_current = 1 AND NOT EXISTS (SELECT 1 FROM domain d "         \
	"WHERE d.tenant = cert.tenant AND d.name = substr(cert.host, 9) "      \
	"AND d.removed <> 0)"

enum status store_cert_count(struct store *s, int64_t *out, struct err *e)
{
	return store_ints(
		s, "SELECT COUNT(*) FROM cert " IN_USE, NO_ARGS, out, 1, e);
}

enum status store_cert_first_end(
	struct store *s, struct arena *a, struct store_cert *out, struct err *e)
{
	return table_get(s, a, &cert_short,
		IN_USE " ORDER BY not_after, host LIMIT 1", NO_ARGS, out, e);
}

enum status store_cert_list(struct store *s, struct arena *a, struct str tenant,
	struct str host, size_t limit, struct store_cert **out, size_t *n,
	struct err *e)
{
	return table_list(s, a, &cert_short,
		"WHERE tenant = $1 AND host = $2 "
		"ORDER BY is_current DESC, created DESC, id LIMIT $3",
		ARGS(DB_T(tenant), DB_T(host), DB_I((int64_t)limit)), out, n,
		e);
}

enum status store_cert_due(struct store *s, struct arena *a, int64_t now,
	size_t limit, struct store_cert **out, size_t *n, struct err *e)
{
	return table_list(s, a, &cert_short,
		"WHERE is_current = 1 AND (renew_at <= $1 OR "
		"(ari_next > 0 AND ari_next <= $1)) "
		"ORDER BY not_after LIMIT $2",
		ARGS(DB_I(now), DB_I((int64_t)limit)), out, n, e);
}

enum status store_cert_prune(struct store *s, int64_t before, size_t limit,
	int64_t *n, struct err *e)
{
	return store_run(s,
		"DELETE FROM cert WHERE (tenant, host, id) IN ("
		"SELECT tenant, host, id FROM cert "
		"WHERE is_current = 0 AND not_after < $1 "
		"ORDER BY not_after LIMIT $2)",
		ARGS(DB_I(before), DB_I((int64_t)limit)), n, e);
}
