/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest: from the spool into the database. Each file of spool/new is read in
 * a sandboxed child, its reports become rows, and the file goes to spool/done;
 * what cannot be read goes to spool/bad, with the reason in the database.
 *
 * What proves a report (promise 9 of docs/threat-model.md): a POST nothing at
 * all; a file imported by an operator the operator's word ("import"), which is
 * better than nothing and less than a DKIM signature of the domain that reports
 * (RFC 8460 section 3), which is its contact's or, without one, the mail's
 * submitter's; of a mail that was sent on in another, only its own signature
 * counts. What nothing proves is accepted, quarantined or ignored as the
 * tenant's rule says (store_report_rule_get); so is, in quarantine, a mail
 * about a domain that is not its recipient's. See store_report_add for what
 * counts as a duplicate.
 *
 * What would take more of the database than its reporter has for an hour goes
 * to spool/bad as well (digest_budget.h).
 *
 * A mail whose key cannot be looked up waits until DIGEST_KEY_WAIT_S after it
 * was received, but DIGEST_KEY_TRY_S at least, since mailboxes and replays have
 * old ones; after that nothing proves it.
 *
 * A file that was digested before and is put back into spool/new (after a
 * parser fix: "moat report replay") replaces the rows it had made.
 *
 * A crash at any point loses nothing and counts nothing twice: rows are
 * committed before the file moves, and the same bytes coming again with the
 * same proof change nothing.
 */
#pragma once

#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/status.h"
#include "intake/digest_budget.h"
#include "intake/digest_later.h"
#include "intake/digest_reader.h"
#include "io/spool.h"
#include "store/store.h"

#define DIGEST_KEY_WAIT_S UTC_DAY_S
#define DIGEST_KEY_TRY_S 3600

struct digest {
	struct store *store;
	struct spool *spool;
	struct digest_reader *reader;
	struct digest_later *later;
	struct digest_budget *budget; /* NULL: rows take what they take */
	const struct clock *clock;
};

/*
 * Digests at most max files of spool/new, oldest first; *done is how many it
 * need not look at again soon: they have left new/, or wait there by themselves
 * because the disk would not give or move them (digest_later.h). ST_TEMP: the
 * database, the reader or the whole disk fails; the rest stays in new/.
 */
enum status digest_run(
	const struct digest *d, size_t max, size_t *done, struct err *e);
