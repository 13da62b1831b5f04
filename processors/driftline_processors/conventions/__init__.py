"""What the attributes of many instrumentations mean, as tables, and the SQL made from them.

``slots`` finds attributes, ``sources`` says where a value can stand, ``fields`` which attribute keys carry which
canonical field, ``classes`` how raw values (operations, errors, answers) are sorted into a few classes.
"""
