# SPDX-License-Identifier: BSL-1.0
"""The site of the documentation: `./dev docs`.

headers.py prepares the headers for Doxygen, names.py reads what it found, text.py makes HTML of comments and
declarations, reference.py writes the pages of the reference, guides.py those of the documents, and build.py runs Doxygen
and Sphinx.
"""
