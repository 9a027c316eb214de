/* SPDX-License-Identifier: Apache-2.0 */
/* report_mailbox: moat report mailbox. */
#pragma once

#include "cli/cli.h"

int report_mailbox_run(struct cli *cli, const struct args *args);
