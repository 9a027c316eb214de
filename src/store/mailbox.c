/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox: the rows of mailboxes and of their trials. */
#include "store/mailbox.h"
#include "store/table.h"

#include "base/poison.h"

#define AT(member) offsetof(struct store_mailbox, member)

static const struct column columns[] = {
	COLUMN("name", COL_TEXT, AT(name)),
	COLUMN("uidvalidity", COL_INT, AT(uidvalidity)),
	COLUMN("pending", COL_TEXT, AT(pending)),
	COLUMN("tried", COL_INT, AT(tried)),
	COLUMN("pulled", COL_INT, AT(pulled)),
	COLUMN("failures", COL_INT, AT(failures)),
	COLUMN("taken", COL_INT, AT(taken)),
	COLUMN("left_there", COL_INT, AT(left)),
	COLUMN("error", COL_WORDS, AT(error)),
};
static const struct table mailbox = TABLE(
	"mailbox", struct store_mailbox, columns, 1);

#define TRIAL(member) offsetof(struct store_mailbox_trial, member)

static const struct column trial_columns[] = {
	COLUMN("name", COL_TEXT, TRIAL(name)),
	COLUMN("asked", COL_INT, TRIAL(asked)),
	COLUMN("done", COL_INT, TRIAL(done)),
	COLUMN("error", COL_WORDS, TRIAL(error)),
};
static const struct table trial = TABLE(
	"mailbox_trial", struct store_mailbox_trial, trial_columns, 1);

enum status store_mailbox_put(
	struct store *s, const struct store_mailbox *m, struct err *e)
{
	return table_upsert(s, &mailbox, m, e);
}

enum status store_mailbox_get(struct store *s, struct arena *a, struct str name,
	struct store_mailbox *out, struct err *e)
{
	return table_get(
		s, a, &mailbox, "WHERE name = $1", ARGS(DB_T(name)), out, e);
}

enum status store_mailbox_trial_put(
	struct store *s, const struct store_mailbox_trial *t, struct err *e)
{
	return table_upsert(s, &trial, t, e);
}

enum status store_mailbox_trial_get(struct store *s, struct arena *a,
	struct str name, struct store_mailbox_trial *out, struct err *e)
{
	return table_get(
		s, a, &trial, "WHERE name = $1", ARGS(DB_T(name)), out, e);
}
