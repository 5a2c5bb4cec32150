# SPDX-License-Identifier: Apache-2.0
"""The tables of the marketplace, one module a noun.

Whoever moves a product, a version of it or what buyers have of it, changes the product's row first, in
the same transaction: such moves come one after the other, whoever else is at it.
"""
