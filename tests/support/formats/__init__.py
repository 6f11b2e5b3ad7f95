"""What banks may send and what leaves the broker, as schemas (marshmallow): readers and writers are held against them."""
