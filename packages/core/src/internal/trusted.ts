/** A class made with a schema: an instance is the fields on the class's prototype. */
interface SchemaClass<A extends object, Fields> {
  readonly prototype: A
  readonly "~type.make.in": Fields
}

/** Makes an instance of a class from fields that fit its schema already: its constructor would check each of them once more. */
export const trusted = <A extends object, Fields>(type: SchemaClass<A, Fields>, fields: NoInfer<Fields>): A =>
  Object.assign(Object.create(type.prototype) as A, fields)
