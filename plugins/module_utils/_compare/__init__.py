# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Compare the rows that nodes hold, while they are written.

blocks, verdict, settings, table, hash and outcome decide and are pure; nodes, fence, journal, scan, settle and work do.
"""
