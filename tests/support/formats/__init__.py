"""What banks may send and what leaves, as schemas (marshmallow): readers and writers are held against them."""
